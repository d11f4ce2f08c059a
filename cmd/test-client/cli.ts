import { ConfigError, loadEnvironment } from '../../pkg/config/index.js';
import { runTestClient } from './app.js';
import { parseArguments, usage, UsageError, type Arguments } from './args.js';
import { loadTestClientConfig } from './config.js';
import { Narrator, type Output } from './narrator.js';
import { formatJson, formatSummary, summaryOf } from './report.js';

export interface Terminal {
  readonly stdout: Output;
  readonly stderr: Output;
  /** Aborts with the exit code as reason. */
  readonly interrupt: AbortSignal;
}

/** Runs the command line. Returns the exit code: 0 all holds, 1 not, 2 misused, else interrupted. */
export async function runCommandLine(argv: readonly string[], terminal: Terminal): Promise<number> {
  try {
    const args = parseArguments(argv);
    if (!args.help) return await runAndReport(args, terminal);
    terminal.stdout.write(usage);
    return 0;
  } catch (error) {
    if (terminal.interrupt.aborted) {
      terminal.stderr.write('\ninterrupted: everything that was started is stopped\n');
      return terminal.interrupt.reason as number;
    }
    terminal.stderr.write(`test-client: ${error instanceof Error ? error.message : String(error)}\n`);
    return error instanceof UsageError || error instanceof ConfigError ? 2 : 1;
  }
}

async function runAndReport({ load, json }: Arguments, terminal: Terminal): Promise<number> {
  const { stdout, stderr, interrupt: signal } = terminal;
  const env = loadEnvironment();
  const narrator = new Narrator(json ? stderr : stdout, env['NO_COLOR']);
  const report = await runTestClient(loadTestClientConfig(env), { narrator, load, signal });
  const summary = summaryOf(report);
  narrator.conclude(formatSummary(summary));
  if (json) stdout.write(formatJson(report));
  return summary.failed === 0 ? 0 : 1;
}
