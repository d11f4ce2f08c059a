export const toolNames = ['prometheus', 'jaeger', 'otelcol', 'loki'] as const;

export type ToolName = (typeof toolNames)[number];

/** Where the programs of a tool are, by name, or a running one is; or why they are not to be had. */
export type Found =
  | { readonly programs: Readonly<Record<string, string>>; readonly address?: string }
  | { readonly reason: string; readonly remedy: string };

/** A tool that can be installed below a folder of this repository. */
export interface Tool {
  readonly name: ToolName;
  /** Shown to people, and part of the folder's name: another version is installed anew. */
  readonly version: string;
  /** Each program, and the variable that may name it. */
  readonly programs: Readonly<Record<string, string>>;
  /** What a program on the PATH is called; by default as in `programs`. */
  readonly onPath?: Readonly<Record<string, string>>;
  /** The variable that may name a running one. */
  readonly addressVariable: string;
  /** Its programs are of use also when one runs elsewhere. */
  readonly isNeededAnyway?: boolean;
  /** Puts every program into `workshop.target`. */
  install(workshop: Workshop): Promise<void>;
}

/** Where and how a tool is installed. */
export interface Workshop {
  /** Where the programs are to be put. */
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
