export {
  type ExportReference,
  findExport,
  forgetCommonJsSources,
  importExport,
  importSource,
  ModuleError,
  onSourceImported,
} from './import-source.js';
