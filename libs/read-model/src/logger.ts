export interface ReadModelLogger {
  info(data: object, message: string): void;
  warn(data: object, message: string): void;
  error(data: object, message: string): void;
}

export const SILENT: ReadModelLogger = {
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
