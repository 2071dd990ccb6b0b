/** Where an upload's token is used. The URL is a capability: it is told to its device alone, and never logged. */
export function uploadUrl(base: string, token: string): string {
  return `${base}/uploads/${token}`;
}

/** Where a reading's token is used. */
export function downloadUrl(base: string, namespace: string, number: number, token: string): string {
  return `${base}/json/v1/${encodeURIComponent(namespace)}/data/reading/${number}?token=${token}`;
}
