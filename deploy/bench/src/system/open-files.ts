/** How many files and sockets this process may open. */
export function openFilesLimit(): number {
  const report = process.report.getReport() as { userLimits?: { open_files?: { hard?: number | string } } };
  const hard = report.userLimits?.open_files?.hard;
  return hard === "unlimited" ? Number.POSITIVE_INFINITY : Number(hard ?? 0);
}
