/** Where and how a tool is installed. */
export interface Workshop {
  /** Where the files of the tool are to be put. */
  readonly target: string;
  /** A folder for whatever is in between, empty at first. */
  readonly scratch: string;
  /** Tells a person what happens. */
  say(message: string): void;
  /**
   * Runs a command at low priority with its output in a log.
   * @throws InstallError when it fails or takes too long
   */
  run(command: Command): Promise<string>;
}

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  /** Default: `scratch`. */
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds. */
  readonly limitMs: number;
  /** Said when the limit passes or the command fails. */
  readonly otherwise: string;
}

/** Something that a person can put right. */
export class InstallError extends Error {
  override readonly name: string = 'InstallError';
}

/** The limit of a command has passed. */
export class TooLateError extends InstallError {}
