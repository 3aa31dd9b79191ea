/** Puts the tarball into a folder; gives its path, and the names of the files in it. */
export function packNestgraph(folder: string): Promise<{ tarball: string; files: string[] }>;
