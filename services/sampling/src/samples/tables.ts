/** Tables of what is stored. */
export type SampleTables = {};
