export * from './event-stream.js';
export { StreamsModule } from './streams.module.js';
