export { CronsHttpModule } from './crons-http.module.js';
export { CronsModule } from './crons.module.js';
