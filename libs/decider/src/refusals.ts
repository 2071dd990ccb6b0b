/** A value that is not taken, by the name of its field in the request. What decisions on any aggregate may refuse with. */
export class InvalidField extends Error {
  override readonly name = "InvalidField";
  constructor(
    readonly field: string,
    readonly reason: string,
  ) {
    super(`${field} ${reason}`);
  }
}
