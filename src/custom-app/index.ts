export { authenticatesBeforeApp, useCustomApp } from './use-custom-app.js';
