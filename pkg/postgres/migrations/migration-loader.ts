import { readFile } from 'node:fs/promises';
import type { MigrationBuilder, RunnerOption } from 'node-pg-migrate';

type Strategies = NonNullable<RunnerOption['migrationLoaderStrategies']>;

/** First line of a migration whose statements run outside of a transaction, such as `create index concurrently`. */
const noTransaction = '-- no transaction\n';

/**
 * Loads SQL files. The statements of a file with the first line `-- no transaction` run one by one, and each ends with a
 * semicolon at the end of a line. When the migration fails, its earlier statements keep their effect, so each statement
 * must be repeatable: `drop index concurrently if exists` before `create index concurrently`.
 */
export const migrationLoaderStrategies: Strategies = [
  {
    extensions: ['.sql'],
    loader: (paths) =>
      Promise.all(
        paths.map(async (path) => ({
          id: path,
          filePaths: [path],
          actions: actionsOf(await readFile(path, 'utf8')),
        })),
      ),
  },
];

function actionsOf(text: string) {
  return {
    up: (pgm: MigrationBuilder): void => {
      if (!text.startsWith(noTransaction)) {
        pgm.sql(text);
        return;
      }
      pgm.noTransaction();
      // These statements hold no lock that blocks writers while they wait.
      pgm.sql('set lock_timeout = 0');
      for (const statement of text.slice(noTransaction.length).split(/;\s*$/m)) {
        if (statement.trim() !== '') pgm.sql(statement);
      }
      pgm.sql('reset lock_timeout');
    },
    down: false as const,
  };
}
