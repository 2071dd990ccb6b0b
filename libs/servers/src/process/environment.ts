/**
 * What programs that we start find in their environment: what this process was given, and `more`, which wins.
 * Nothing else here, and nobody who starts such programs, looks at the environment itself.
 */
export function environment(more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  return { ...process.env, ...more };
}
