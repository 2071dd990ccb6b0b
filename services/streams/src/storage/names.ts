import { token } from "@fieldlog/contracts";

/** What the names of a device's objects begin with. */
export function folderOf(namespace: string, device: string): string {
  return `${namespace}/~streams/${token(device)}/`;
}

/** The name of a message's object: the same each time that it is stored. */
export function objectOf(namespace: string, device: string, position: number): string {
  return `${folderOf(namespace, device)}messages/${position}`;
}
