import { realPath } from './source-file.js';

/** Which source imports which, by their real paths. */
export class ImportGraph {
  private readonly importers = new Map<string, Set<string>>();

  add(file: string, importer: string): void {
    const key = realPath(file);
    this.importers.set(key, (this.importers.get(key) ?? new Set()).add(realPath(importer)));
  }

  /** Whether one of the entries is the file, or imports it, also through other sources. */
  isUsedBy(entries: readonly string[], file: string): boolean {
    const users = new Set([realPath(file)]);
    // The loop visits what it adds.
    for (const user of users) {
      this.importers.get(user)?.forEach((importer) => users.add(importer));
    }
    return entries.some((entry) => users.has(realPath(entry)));
  }
}
