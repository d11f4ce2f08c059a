import type { ScenarioContext } from '../context/scenario-context.js';
import type { Printer, Status } from '../../terminal/printer.js';
import { Recorder, type Check, type Step } from '../output/recorder.js';
import { scenarios } from './index.js';
import type { Scenario } from './scenario.js';

export interface ScenarioResult {
  readonly number: number;
  readonly title: string;
  readonly status: Status;
  /** Reason for skipping the scenario; undefined when the scenario ran. */
  readonly skipped?: string;
  readonly durationMs: number;
  readonly steps: readonly Step[];
  readonly checks: readonly Check[];
}

/** Runs the scenarios one after another. A failed scenario does not end the run. */
export async function runScenarios(
  context: ScenarioContext,
  printer: Printer,
  selected = scenarios,
): Promise<ScenarioResult[]> {
  const results: ScenarioResult[] = [];
  for (const scenario of selected) {
    printer.section(`${scenario.number}. ${scenario.title}`);
    results.push(await runScenario(context, printer, scenario));
  }
  return results;
}

async function runScenario(
  context: ScenarioContext,
  printer: Printer,
  scenario: Scenario,
): Promise<ScenarioResult> {
  const { number, title } = scenario;
  const recorder = new Recorder(printer);
  const { steps, checks } = recorder;
  const skipped = scenario.skipReason?.(context);
  if (skipped !== undefined) {
    printer.status('skipped', `SKIPPED: ${skipped}`);
    return { number, title, status: 'skipped', skipped, durationMs: 0, steps, checks };
  }
  const started = performance.now();
  try {
    await scenario.run(context, recorder);
  } catch (error) {
    context.signal.throwIfAborted();
    recorder.failed(error);
  }
  const status = checks.every(({ passed }) => passed) ? 'passed' : 'failed';
  return { number, title, status, durationMs: performance.now() - started, steps, checks };
}
