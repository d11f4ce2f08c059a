import { ConfigError, loadEnvironment } from '../../pkg/config/index.js';
import { runTestClient } from './app.js';
import { interruptionSignal } from '../terminal/interruption.js';
import { UsageError } from '../terminal/usage-error.js';
import { parseArguments, usage, type Arguments } from './args.js';
import { loadTestClientConfig } from './config.js';
import { Printer } from '../terminal/printer.js';
import { formatJson, formatSummary, summaryOf } from './output/report.js';

const { stdout, stderr } = process;
const interruption = interruptionSignal();

/**
 * Returns the exit code: 0 when all checks passed, 1 when a check or the run failed, 2 when the usage or the
 * configuration is invalid, 128 + signal number after an interrupt.
 */
async function main(argv: readonly string[]): Promise<number> {
  try {
    const args = parseArguments(argv);
    if (!args.help) return await runAndReport(args);
    stdout.write(usage);
    return 0;
  } catch (error) {
    if (interruption.aborted) {
      stderr.write('\ninterrupted: all started processes are stopped\n');
      return interruption.reason as number;
    }
    stderr.write(`test-client: ${error instanceof Error ? error.message : String(error)}\n`);
    return error instanceof UsageError || error instanceof ConfigError ? 2 : 1;
  }
}

async function runAndReport({ load, json }: Arguments): Promise<number> {
  const env = loadEnvironment();
  const printer = new Printer(json ? stderr : stdout, env['NO_COLOR']);
  const report = await runTestClient(loadTestClientConfig(env), { printer, load, signal: interruption });
  const summary = summaryOf(report);
  printer.conclude(formatSummary(summary));
  if (json) stdout.write(formatJson(report));
  return summary.failed === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
