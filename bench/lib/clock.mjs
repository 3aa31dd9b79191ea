/** Milliseconds of the monotonic clock, which all processes of the machine share, e.g. to compare with a graph's. */
export const machineMs = () => Number(process.hrtime.bigint()) / 1e6;
