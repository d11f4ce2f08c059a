import { loadEnvironment } from '../../pkg/config/index.js';
import { Printer } from '../terminal/printer.js';
import { interruptionSignal } from '../terminal/interruption.js';
import { runAudit } from './app.js';
import { parseArguments, usage, type Arguments } from './args.js';
import { loadAuditConfig } from './config.js';
import { printReport } from './output/print.js';
import { exitCodeOf, formatJson } from './output/report.js';

const { stdout, stderr } = process;
const interruption = interruptionSignal();

async function main(argv: readonly string[]): Promise<number> {
  try {
    const args = parseArguments(argv);
    if (!args.help) return await auditAndReport(args);
    stdout.write(usage);
    return 0;
  } catch (error) {
    if (interruption.aborted) {
      stderr.write('\ninterrupted\n');
      return interruption.reason as number;
    }
    stderr.write(`audit: could not finish: ${error instanceof Error ? error.message : String(error)}\n`);
    return 2;
  }
}

async function auditAndReport({ json, reconcile, acknowledged }: Arguments): Promise<number> {
  const env = loadEnvironment();
  const printer = new Printer(json ? stderr : stdout, env['NO_COLOR']);
  const progress = new Printer(stderr, env['NO_COLOR']);
  const report = await runAudit(loadAuditConfig(env), {
    reconcile,
    acknowledged,
    signal: interruption,
    onProgress: (text) => progress.transient(text),
  });
  progress.clearTransient();
  printReport(printer, report);
  if (json) stdout.write(formatJson(report));
  return exitCodeOf(report);
}

process.exitCode = await main(process.argv.slice(2));
