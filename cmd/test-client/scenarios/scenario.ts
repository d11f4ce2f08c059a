import type { ScenarioContext } from '../context/scenario-context.js';
import type { Recorder } from '../output/recorder.js';

/** A user story that runs against real services. */
export interface Scenario {
  readonly number: number;
  readonly title: string;
  /** Returns the reason for skipping the scenario, or undefined when the scenario can run. */
  skipReason?(context: ScenarioContext): string | undefined;
  /** Runs the scenario and records its checks. The scenario fails when the promise rejects. */
  run(context: ScenarioContext, recorder: Recorder): Promise<void>;
}
