// Causes an unhandled rejection while the file is loaded.
import { careless } from './careless.js';

export { graph } from '../../graphs/echo.js';

careless('graph');
