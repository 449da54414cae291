import type { SqliteValue } from '../sqlite/connection.js';
import { type Generation, GenerationGone, type ProjectionShape } from './port.js';
import { collectionTable, tableOf } from './sqlite-schema.js';
import type { SqliteWriter } from './sqlite-writer.js';

/** Which generations there are and which is live. Each function runs inside a transaction. */

/** The live generation, made if there is none, with all collections and indexes of the projection. */
export async function ensureLive(writer: SqliteWriter, projection: ProjectionShape): Promise<Generation> {
  const live = await writer.row('SELECT generation, version FROM generations WHERE projection = ? AND live', [
    projection.name,
  ]);
  if (!live) return insertGeneration(writer, projection, true);
  const [generation, version] = live as [number, number];
  await countChange(writer);
  await makeCollections(writer, projection, generation);
  return { projection: projection.name, generation, version };
}

/** @param live whether readers see it from now on */
export async function insertGeneration(
  writer: SqliteWriter,
  projection: ProjectionShape,
  live: boolean,
): Promise<Generation> {
  // Never used twice, so that whoever still writes to a dropped generation can't hit another one.
  const generation = await countChange(writer);
  const { name, version } = projection;
  await writer.run(
    'INSERT INTO generations (projection, generation, version, live, checkpoint) VALUES (?, ?, ?, ?, 0)',
    [name, generation, version, Number(live)],
  );
  await makeCollections(writer, projection, generation);
  return { projection: name, generation, version };
}

/** @throws {GenerationGone} */
export async function makeLive(writer: SqliteWriter, generation: Generation): Promise<void> {
  await checkpointOf(writer, generation);
  await writer.run('UPDATE generations SET live = (generation = ?) WHERE projection = ?', [
    generation.generation,
    generation.projection,
  ]);
  await countChange(writer);
}

/** Drops all generations of the projection that are not live. @returns whether there were any */
export async function dropOthers(writer: SqliteWriter, projection: string): Promise<boolean> {
  const others = await listed<number>(
    writer,
    'SELECT json_group_array(generation) FROM generations WHERE projection = ? AND NOT live',
    [projection],
  );
  for (const generation of others) await drop(writer, projection, generation);
  return others.length > 0;
}

export async function dropUnlessLive(writer: SqliteWriter, { projection, generation }: Generation): Promise<void> {
  const found = await writer.row('SELECT live FROM generations WHERE projection = ? AND generation = ?', [
    projection,
    generation,
  ]);
  if (found?.[0] === 0) await drop(writer, projection, generation);
}

/** @throws {GenerationGone} */
export async function checkpointOf(writer: SqliteWriter, generation: Generation): Promise<bigint> {
  const row = await writer.row(checkpointQuery, [generation.projection, generation.generation]);
  if (!row) throw new GenerationGone(generation);
  return BigInt(row[0] as string);
}

/**
 * Moves a checkpoint forwards.
 * @returns false if it is at the position or past it
 * @throws {GenerationGone}
 */
export async function advanceCheckpoint(
  writer: SqliteWriter,
  generation: Generation,
  position: bigint,
): Promise<boolean> {
  const sql = 'UPDATE generations SET checkpoint = ?1 WHERE projection = ?2 AND generation = ?3 AND checkpoint < ?1';
  if ((await writer.run(sql, [position, generation.projection, generation.generation])) > 0) return true;
  await checkpointOf(writer, generation);
  return false;
}

/** As text, since positions may be larger than a number holds exactly. */
export const checkpointQuery =
  'SELECT CAST(checkpoint AS TEXT) FROM generations WHERE projection = ? AND generation = ?';

async function drop(writer: SqliteWriter, projection: string, generation: number): Promise<void> {
  const names = await listed<string>(
    writer,
    'SELECT json_group_array(name) FROM collections WHERE projection = ? AND generation = ?',
    [projection, generation],
  );
  await writer.exec(names.map((name) => `DROP TABLE ${tableOf(name, generation)};`).join(' '));
  await writer.run('DELETE FROM collections WHERE projection = ? AND generation = ?', [projection, generation]);
  await writer.run('DELETE FROM generations WHERE projection = ? AND generation = ?', [projection, generation]);
}

/** A column as the one value of a row, since the writing connection reads single rows. */
async function listed<T>(writer: SqliteWriter, sql: string, parameters: readonly SqliteValue[]): Promise<T[]> {
  return JSON.parse((await writer.row(sql, parameters))?.[0] as string);
}

async function makeCollections(writer: SqliteWriter, projection: ProjectionShape, generation: number): Promise<void> {
  for (const { name, indexes } of projection.collections) {
    await writer.exec(collectionTable(name, indexes, generation));
    await writer.run('INSERT OR IGNORE INTO collections (projection, generation, name) VALUES (?, ?, ?)', [
      projection.name,
      generation,
      name,
    ]);
  }
}

/** @returns how many changes there have been, this one included */
async function countChange(writer: SqliteWriter): Promise<number> {
  const count = ((await writer.row('PRAGMA user_version'))?.[0] as number) + 1;
  await writer.exec(`PRAGMA user_version = ${count}`);
  return count;
}
