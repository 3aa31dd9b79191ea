export { type ExportReference, findExport, FIRST_GENERATION, importSource } from './import-source.js';
export { loadExport } from './load-export.js';
export { reasonOf } from './load-failure.js';
export { addCommand } from './package-manager.js';
export { ProjectCodeModule } from './project-code.module.js';
export { SourceReloader } from './source-reloader.js';
