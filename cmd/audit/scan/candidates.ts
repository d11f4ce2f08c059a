import { inParallel } from '../../test-client/context/parallel.js';
import { pause } from '../../../pkg/runtime/index.js';
import { examine } from '../examine/examine.js';
import type { Examination, Finding } from '../examine/examination.js';
import type { Services } from '../services.js';

export interface ConfirmOptions {
  /** Time between two readings of the entities of a candidate. */
  readonly pauseMs: number;
  readonly parallel: number;
  readonly signal: AbortSignal;
}

export interface Confirmation {
  /** Violations that two readings have found with the same revisions. */
  readonly violations: readonly Finding[];
  /** Violations of entities that changed between every two readings. */
  readonly unstable: readonly Finding[];
}

const maxCandidates = 1000;
const maxRounds = 5;

/** Collects the examinations with findings, and examines their subjects again. */
export class Candidates {
  #examinations: Examination[] = [];
  /** Number of candidates beyond the limit, which are not confirmed. */
  dropped = 0;

  add(examination: Examination): void {
    if (examination.findings.length === 0) return;
    if (this.#examinations.length < maxCandidates) this.#examinations.push(examination);
    else this.dropped += 1;
  }

  get size(): number {
    return this.#examinations.length;
  }

  async confirm(services: Services, { pauseMs, parallel, signal }: ConfirmOptions): Promise<Confirmation> {
    const violations = new Map<string, Finding>();
    let open = this.#examinations;
    for (let round = 1; round <= maxRounds && open.length > 0; round += 1) {
      await pause(pauseMs, signal);
      signal.throwIfAborted();
      const again = await inParallel(open, parallel, ({ subject }) => examine(services, subject));
      for (const [index, examination] of again.entries())
        for (const finding of confirmed(open[index], examination)) violations.set(keyOf(finding), finding);
      open = again.filter(({ findings }) => findings.some((finding) => !violations.has(keyOf(finding))));
    }
    const unstable = open.flatMap(({ findings }) => findings);
    return {
      violations: [...violations.values()].toSorted((a, b) => a.invariant - b.invariant),
      unstable: unstable.filter((finding) => !violations.has(keyOf(finding))),
    };
  }
}

/**
 * Returns the findings that are in both readings of an unchanged subject. An order that is stuck changes with each
 * attempt, so a late order (invariant 6) is confirmed even if it has changed.
 */
function confirmed(first: Examination | undefined, second: Examination): Finding[] {
  const isUnchanged = first?.version === second.version;
  const known = new Set(first?.findings.map(keyOf));
  return second.findings.filter(
    (finding) => known.has(keyOf(finding)) && (isUnchanged || finding.invariant === 6),
  );
}

function keyOf({ invariant, violation }: Finding): string {
  return `${invariant} ${violation}`;
}
