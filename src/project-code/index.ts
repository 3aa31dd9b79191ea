export {
  type ExportReference,
  findExport,
  FIRST_GENERATION,
  importExport,
  importSource,
  ModuleError,
} from './import-source.js';
export { reasonOf } from './load-failure.js';
export { ProjectCodeModule } from './project-code.module.js';
export { SourceReloader } from './source-reloader.js';
