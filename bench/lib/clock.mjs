/** Milliseconds of the machine's clock that all its processes share and nobody sets, e.g. to compare with a graph's. */
export const machineMs = () => Number(process.hrtime.bigint()) / 1e6;
