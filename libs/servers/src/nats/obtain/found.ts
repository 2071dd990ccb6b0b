/** What one place to get nats-server from came to: the program's path, or why it has none. */
export type Found = { path: string } | { reason: string };

export interface ObtainContext {
  /** Where the program is to be put. Each source writes elsewhere and renames, so that two may run at once. */
  target: string;
  cacheDir: string;
  /** The oldest that will do: major and minor. */
  oldest: readonly [number, number];
  /** What is obtained where none is there. */
  version: string;
  progress: (message: string) => void;
}
