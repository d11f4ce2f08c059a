import { readFileSync, writeFileSync } from 'node:fs';
import { Scope } from '../pkg/runtime/index.js';
import { barChart } from './chart.js';
import { startCollector } from './collector/collector.js';
import { Load } from './load/load.js';
import { readOptions, usage, type Options } from './options.js';
import { mainRatio } from './parts/smoke.js';
import { describeRun, formatFigures, toJson, writeSection } from './report.js';
import { runParts } from './run.js';
import { median } from './statistics.js';
import { buildCommit, workingTree } from './version.js';

const document = 'docs/performance.md';
const chart = 'docs/performance.svg';
const log = (message: string): void => void process.stderr.write(`${message}\n`);

async function run(options: Options): Promise<number> {
  const scope = new Scope();
  const stop = (): void => void scope.close();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  const problems: string[] = [];
  const warnings: string[] = [];
  try {
    const { baseline } = options;
    const versions = {
      this: workingTree(),
      ...(baseline === undefined ? {} : { baseline: await buildCommit(baseline, scope) }),
    };
    const load = new Load(scope);
    const { timing } = options;
    const bench = {
      load,
      timing,
      scope,
      telemetry: await startCollector(scope),
      log,
      onProblem: (problem: string): void => void problems.push(problem),
      onWarning: (warning: string): void => void warnings.push(warning),
    };
    const figures = await runParts(bench, { ...options, versions });
    const report = { run: describeRun(options), problems, warnings, figures };
    process.stdout.write(formatFigures(report));
    const svg = barChart(figures, `${report.run['machine']}, version ${report.run['version']}`);
    if (options.json !== undefined) writeFileSync(options.json, toJson(report));
    if (options.svg !== undefined) writeFileSync(options.svg, svg);
    if (problems.length > 0 || (options.write && warnings.length > 0)) return 3;
    if (options.write) {
      writeFileSync(document, writeSection(readFileSync(document, 'utf8'), report));
      writeFileSync(chart, svg);
    }
    const ratio = median(figures.find(({ name }) => name === mainRatio)?.values['this'] ?? []);
    if (!(ratio < options.minRatio)) return 0;
    log(`${mainRatio}: ${ratio.toFixed(3)} is below --min-ratio ${options.minRatio}`);
    return 1;
  } finally {
    await scope.close();
  }
}

async function main(): Promise<number> {
  // Each supervised process has an exit listener.
  process.setMaxListeners(100);
  let options: Options | undefined;
  try {
    options = readOptions();
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
    return 2;
  }
  if (options) return run(options);
  process.stdout.write(usage);
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  log(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exitCode = 2;
}
