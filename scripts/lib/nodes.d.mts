/** The oldest version of each line that Nestgraph and its packages allow, and the newest that was tested. */
export const NODES: readonly { oldest: string; newest: string }[];
