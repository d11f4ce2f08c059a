import { expect } from 'chai';
import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadEnvironment } from '../../pkg/config/index.js';
import { startCluster, type EmbeddedCluster } from '../../pkg/postgres/embedded/index.js';
import { services } from './system.js';
import { describeWith, fileOf } from '../lab/requirements.js';

const passwords = Object.fromEntries(
  services.map(({ name }) => [name, `it's "${name}" \\ secret`] as const),
) as Record<string, string>;

describeWith(['psql'], 'the script that creates the databases', () => {
  let cluster: EmbeddedCluster;
  const folder = mkdtempSync(path.join(tmpdir(), 'order-processing-databases-'));

  /** Runs psql and returns its exit code and its output. */
  function psql(url: string, args: readonly string[], env: Record<string, string> = {}) {
    const options = { encoding: 'utf8', env: { ...loadEnvironment(), ...env } } as const;
    return spawnSync(fileOf('psql'), ['--no-psqlrc', '--tuples-only', '--no-align', ...args, url], options);
  }

  before(async () => {
    cluster = await startCluster({ dataDir: path.join(folder, 'data'), durable: false });
  });

  after(async () => {
    await cluster.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('succeeds on an empty server', () => {
    const env = Object.fromEntries(
      Object.entries(passwords).map(([name, password]) => [
        `${name.replace('-service', '').toUpperCase()}_DATABASE_PASSWORD`,
        password,
      ]),
    );
    const { status, stderr } = psql(
      cluster.url('postgres'),
      ['--file=deployments/docker/postgres/databases.sql'],
      env,
    );
    expect(status, stderr).to.equal(0);
  });

  for (const { name } of services) {
    const own = name.replace('-', '_');

    it(`lets ${name} create tables in its own database and connect to no other database`, () => {
      const urlOf = (database: string): string => {
        const url = new URL(cluster.url(database));
        url.username = own;
        url.password = encodeURIComponent(passwords[name] ?? '');
        return url.href;
      };
      const made = psql(urlOf(own), ['--command=create table t (); drop table t; select current_user']);
      expect(made.stdout, made.stderr).to.include(own);
      const others = services
        .map((service) => service.name.replace('-', '_'))
        .filter((other) => other !== own);
      for (const other of [...others, 'postgres']) {
        const { status, stderr } = psql(urlOf(other), ['--command=select 1']);
        expect(status).to.equal(2);
        expect(stderr).to.include(`permission denied for database "${other}"`);
      }
    });
  }
});
