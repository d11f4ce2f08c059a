import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import { shipped } from './places.js';

interface ScrapeConfig extends Record<string, unknown> {
  readonly job_name: string;
}

interface Config extends Record<string, unknown> {
  readonly global: Record<string, unknown>;
  readonly scrape_configs: readonly ScrapeConfig[];
}

interface Rules {
  readonly groups: readonly Record<string, unknown>[];
}

const folder = path.join(shipped, 'prometheus');

function readYaml(file: string): unknown {
  return parse(readFileSync(file, 'utf8'));
}

/** Names of the shipped scrape jobs. */
export function shippedJobs(): string[] {
  const { scrape_configs: jobs } = readYaml(path.join(folder, 'prometheus.yaml')) as Config;
  return jobs.map(({ job_name: name }) => name);
}

/**
 * Writes the shipped configuration into a folder. Scrapes and rules run every second.
 * @param targets `host:port` of each job; a job without a target is left out
 * @returns the path of the file
 */
export function writePrometheusConfig(into: string, targets: Readonly<Record<string, string>>): string {
  const config = readYaml(path.join(folder, 'prometheus.yaml')) as Config;
  const jobs = config.scrape_configs.flatMap((job) => {
    const target = targets[job.job_name];
    const others = Object.entries(job).filter(
      ([key]) => !key.endsWith('_sd_configs') && key !== 'static_configs',
    );
    return target === undefined
      ? []
      : [{ ...Object.fromEntries(others), static_configs: [{ targets: [target] }] }];
  });
  const every = { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' };
  const file = path.join(into, 'prometheus.yaml');
  writeFileSync(file, stringify({ ...config, global: { ...config.global, ...every }, scrape_configs: jobs }));
  writeRules(path.join(into, 'rules'));
  return file;
}

function writeRules(into: string): void {
  mkdirSync(into);
  for (const name of readdirSync(path.join(folder, 'rules'))) {
    const { groups } = readYaml(path.join(folder, 'rules', name)) as Rules;
    const eager = groups.map((group) => Object.assign(group, { interval: '1s' }));
    writeFileSync(path.join(into, name), stringify({ groups: eager }));
  }
}

/** Returns the feature flags of Prometheus in the shipped compose file. */
export function shippedFeatures(): string[] {
  const { services } = readYaml(path.join(shipped, 'compose.yaml')) as {
    readonly services: Readonly<Record<string, { readonly command?: readonly string[] }>>;
  };
  const command = services['prometheus']?.command ?? [];
  return command.filter((argument) => argument.startsWith('--enable-feature'));
}
