/** Writes the tarball into a folder. Returns its path and the names of its files. */
export function packNestgraph(folder: string): Promise<{ tarball: string; files: string[] }>;
