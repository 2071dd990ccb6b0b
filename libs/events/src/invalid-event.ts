/** What was published is no event. Names the field, for its sender. */
export class InvalidEvent extends Error {
  override readonly name = "InvalidEvent";

  constructor(
    /** As the sender wrote it, "data" or "readings[2].values"; empty: the whole. */
    readonly field: string,
    /** What is wrong with it: "must be …". */
    readonly detail: string,
  ) {
    super(field === "" ? detail : `${field} ${detail}`);
  }
}
