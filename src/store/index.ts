export * from './store.errors.js';
export { StoreHttpModule } from './store-http.module.js';
export { StoreModule } from './store.module.js';
