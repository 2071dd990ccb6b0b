/** What the stand-in for the platform is told, and what the device is. Each is answered when it is done. */
export type SinkOrder =
  | { readonly kind: "open"; readonly dir: string; readonly most: number }
  /** Whether messages are acknowledged; all connections end, so that it is so for all. */
  | { readonly kind: "acknowledge"; readonly now: boolean }
  | { readonly kind: "count" };

export interface SinkReport {
  readonly httpsPort: number;
  readonly mqttPort: number;
  /** PEM. */
  readonly ca: string;
  /** Different messages that came. */
  readonly messages: number;
}

export type DeviceOrder =
  | { readonly kind: "start"; readonly db: string; readonly sink: SinkReport }
  /** Stores so many more messages of 200 bytes, with so many calls under way. */
  | { readonly kind: "enqueue"; readonly messages: number; readonly atOnce: number }
  | { readonly kind: "drain" }
  | { readonly kind: "close" };

export interface DeviceReport {
  readonly ms: number;
  readonly pending: number;
}

export const MESSAGE_BYTES = 200;
