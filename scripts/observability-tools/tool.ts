import type { Installable, Missing } from '../tools/install.js';

export const toolNames = ['prometheus', 'jaeger', 'otelcol', 'loki'] as const;

export type ToolName = (typeof toolNames)[number];

/** Where the programs of a tool are, by name, or a running one is. */
export interface Present {
  readonly programs: Readonly<Record<string, string>>;
  readonly address?: string;
}

export type Found = Present | Missing;

/** Something that verify-observability runs beside our own services. */
export interface Tool extends Installable {
  readonly name: ToolName;
  /** Each program, and the variable that may name it. */
  readonly programs: Readonly<Record<string, string>>;
  /** What a program on the PATH is called; by default as in `programs`. */
  readonly onPath?: Readonly<Record<string, string>>;
  /** The variable that may name a running one. */
  readonly addressVariable: string;
  /** Its programs are of use also when one runs elsewhere. */
  readonly isNeededAnyway?: boolean;
}
