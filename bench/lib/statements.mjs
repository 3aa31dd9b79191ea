import { openDatabase } from './database.mjs';
import { round } from './figures.mjs';

/** Words that identify the kind of a statement. */
const WORDS = 8;
const EXTENSION = 'pg_stat_statements';

/** Configures the database of a deployment to count statements. It must not be running: the extension is loaded at start. */
export async function enableCounting(directory) {
  const database = await openDatabase(directory);
  await database.client.query(`ALTER SYSTEM SET shared_preload_libraries = '${EXTENSION}'`);
  // BEGIN and COMMIT are round trips, too. Statements inside of functions are not.
  await database.client.query(`CREATE EXTENSION ${EXTENSION}`);
  await database.close();
}

/**
 * Counts the statements of a running deployment. The driver sends a statement and waits for its response, whether it is
 * prepared or not: one statement is one round trip.
 */
export class StatementCounter {
  #database;

  static async on(directory) {
    const counter = new StatementCounter();
    counter.#database = await openDatabase(directory);
    return counter;
  }

  /**
   * Counts statements until the returned function is called, which returns the number per statement, and the total execution
   * time in milliseconds.
   */
  async start() {
    await this.#database.client.query(`SELECT ${EXTENSION}_reset()`);
    const begin = performance.now();
    return async () => {
      const seconds = (performance.now() - begin) / 1000;
      const { rows } = await this.#database.client.query(
        `SELECT query, calls::int, total_exec_time AS ms FROM ${EXTENSION} JOIN pg_database d ON d.oid = dbid
         WHERE d.datname = current_database() AND toplevel AND query NOT LIKE '%${EXTENSION}%'`,
      );
      const counts = new Map();
      let ms = 0;
      for (const { query, calls, ...one } of rows) {
        const name = nameOf(query);
        counts.set(name, (counts.get(name) ?? 0) + calls);
        ms += one.ms;
      }
      return { counts, seconds, ms };
    };
  }

  close() {
    return this.#database.close();
  }
}

/** Statements per item of `count` items, without those of an idle server (`idle`). */
export function perUnit({ counts, seconds }, count, idle) {
  const each = [...counts]
    .map(([name, calls]) => [name, round((calls - ((idle.counts.get(name) ?? 0) * seconds) / idle.seconds) / count)])
    .filter(([, calls]) => Math.abs(calls) >= 0.01)
    .sort(([, a], [, b]) => b - a);
  const total = each.reduce((sum, [, calls]) => sum + calls, 0);
  return { total: round(total), each: Object.fromEntries(each) };
}

/** The first words of a statement, and its table. */
function nameOf(query) {
  const text = query
    .replace(/--.*$/gm, '')
    .replaceAll('"', '')
    .replace(/\$?\b\d+\b/g, '?')
    .trim();
  const first = text.split(/\s+/).slice(0, WORDS).join(' ');
  // Not `FOR UPDATE` and `DO UPDATE`.
  const changes = text.match(/(?<!FOR |DO )\b(INSERT INTO|UPDATE|DELETE FROM) \w+/g) ?? [];
  const others = [...new Set(changes)].filter((change) => !first.includes(change));
  return others.length > 0 ? `${first} … ${others.join(', ')}` : first;
}
