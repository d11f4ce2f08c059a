import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';

type Settings = Readonly<Record<string, string>>;

/** Loads a module of scripts/deploy-docker, which has no types. */
async function load(name: string): Promise<unknown> {
  return import(pathToFileURL(path.resolve('scripts/deploy-docker', name)).href);
}

const valid = { TLS: 'off', TIMEOUT_SECONDS: '300' };

const settingsCases: readonly (readonly [given: Settings, problem: string])[] = [
  [{ TLS: 'yes' }, 'TLS must be on or off, not yes'],
  [{ TIMEOUT_SECONDS: '5m' }, 'TIMEOUT_SECONDS must be a number'],
  [{ REPLICAS: '9' }, 'REPLICAS must be 1 to 8'],
  [{ DATABASE_POOL_MAX: 'many' }, 'DATABASE_POOL_MAX must be a number'],
  [{ REPLICAS: '8', DATABASE_POOL_MAX: '7' }, 'would open 312 connections'],
  [{ REPLICAS: '8' }, ''],
  [{ REPLICAS: '5', DATABASE_POOL_MAX: '11' }, ''],
  [{ OBSERVABILITY_BIND: '0.0.0.0' }, 'a GRAFANA_ADMIN_PASSWORD other than admin'],
  [{ OBSERVABILITY_BIND: '0.0.0.0', GRAFANA_ADMIN_PASSWORD: 'a secret' }, ''],
];

describe('make deploy-docker', () => {
  for (const [given, problem] of settingsCases)
    it(`${problem === '' ? 'accepts' : 'rejects'} the settings ${JSON.stringify(given)}${problem && `: ${problem}`}`, async () => {
      const { settingsProblems } = (await load('settings.mjs')) as {
        settingsProblems(settings: Settings): string[];
      };
      expect(settingsProblems({ ...valid, ...given }).join('\n')).to.include(problem);
      expect(settingsProblems({ ...valid, ...given })).to.have.length(problem === '' ? 0 : 1);
    });
});

const failureCases: readonly (readonly [output: string, advice: string])[] = [
  ['Bind for 127.0.0.1:50051 failed: port is already allocated', 'port 50051 of this machine is in use'],
  ['listen tcp4 127.0.0.1:50051: bind: address already in use', 'port 50051 of this machine is in use'],
  ['write /var/lib/docker: no space left on device', 'the disk is full'],
  ['pull access denied for order-processing/order-service', 'an image could not be pulled'],
  ['application not healthy after 300s', 'some containers were not healthy after 300 s'],
  ['dependency failed to start', 'some containers did not start'],
];

describe('the explanation of a failed make deploy-docker', () => {
  for (const [output, advice] of failureCases)
    it(`includes '${advice}' if compose prints '${output}'`, async () => {
      const { explain } = (await load('failure.mjs')) as {
        explain(output: string, settings: Settings): string;
      };
      expect(explain(output, valid)).to.include(advice);
    });
});
