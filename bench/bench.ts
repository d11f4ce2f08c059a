import type { Environment } from '../pkg/config/index.js';
import type { Scope } from '../pkg/runtime/index.js';
import type { Cell, Timing } from './cell.js';
import type { Load } from './load/load.js';
import type { Reference } from './reference/reference.js';
import type { System, SystemOptions } from './system.js';
import type { Version } from './version.js';

/** What all measurements of a run share. */
export interface Bench {
  readonly load: Load;
  readonly timing: Timing;
  readonly scope: Scope;
  /** Settings of all services: 10 % of the traces are exported. */
  readonly telemetry: Environment;
  readonly log: (message: string) => void;
  /** Receives what makes the run invalid: failed calls, crashes and violated invariants. */
  readonly onProblem: (problem: string) => void;
  /** Receives why the figures must not be published: a busy machine. */
  readonly onWarning: (warning: string) => void;
}

/** A version in the race. */
export interface Contender {
  readonly name: 'this' | 'baseline';
  readonly version: Version;
  /** The system that all parts share: one replica, default settings. */
  readonly system: System;
}

/** What a part has for one contender. */
export interface PartRun extends Contender {
  /** Closed after the part. */
  readonly scope: Scope;
  /** Number of stored orders of the part `growth`. */
  readonly storedOrders: number;
  /** Starts a further system, which is checked and stopped after the part. */
  start(options: Omit<SystemOptions, 'version'>): Promise<System>;
}

/** Returns a figure of a cell in one round. A figure that was not measured is NaN. */
export type Round = (cell: string, figure?: string) => number;

export interface FigureSpec {
  readonly name: string;
  /** Empty for ratios and counts. */
  readonly unit: string;
  readonly of: (round: Round) => number;
}

/** A group of measurements that the option `--parts` selects. */
export interface Part {
  readonly name: string;
  readonly reference: (reference: Reference) => readonly Cell[] | Promise<readonly Cell[]>;
  readonly cells: (run: PartRun) => readonly Cell[] | Promise<readonly Cell[]>;
  readonly figures: readonly FigureSpec[];
}

export function measured(name: string, unit: string, cell: string, figure: string): FigureSpec {
  return { name, unit, of: (round) => round(cell, figure) };
}

export function rate(name: string, cell: string): FigureSpec {
  return measured(name, '/s', cell, 'rate');
}

export function ratio(name: string, over: string, under: string, figure = 'rate'): FigureSpec {
  return { name, unit: '', of: (round) => round(over, figure) / round(under, figure) };
}

export const one = () => ({ inFlight: 1 });
export const many = () => ({ inFlight: 64 });
export const peak = () => ({ inFlight: 256 });
