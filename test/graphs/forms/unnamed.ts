import { graph } from './file.with.dots.js';

export default graph;
