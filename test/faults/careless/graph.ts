// Its file fails outside of what is awaited while it is loaded.
import { careless } from './careless.js';

export { graph } from '../../graphs/echo.js';

careless('graph');
