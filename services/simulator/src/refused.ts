/** The server will not register a device, so there is nothing to simulate. */
export class RegistrationRefused extends Error {
  override readonly name = "RegistrationRefused";
}
