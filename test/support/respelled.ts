import type pg from 'pg';

const UUID = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi;

/** True if the string contains a UUID that is not in lower case. */
export const isRespelled = (text: string): boolean => text.match(UUID)?.some((id) => id !== id.toLowerCase()) ?? false;

/** Rows of all tables that contain a UUID that is not in lower case. */
export async function respelledRows(pool: pg.Pool): Promise<string[]> {
  const { rows: tables } = await pool.query<{ name: string }>(
    `SELECT oid::regclass::text AS name FROM pg_class
     WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1`,
  );
  const found: string[] = [];
  for (const { name } of tables) {
    const { rows } = await pool.query<{ text: string }>(`SELECT t::text AS text FROM ${name} t ORDER BY 1`);
    found.push(...rows.filter(({ text }) => isRespelled(text)).map(({ text }) => `${name}: ${text.slice(0, 500)}`));
  }
  return found;
}
