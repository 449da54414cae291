import type { Query } from './port.js';
import { fieldOf } from './sqlite-schema.js';

type Parameter = string | number;

export interface Select {
  readonly sql: string;
  readonly parameters: readonly Parameter[];
}

/** The SELECT of `id` and `body` that answers a query on this table. */
export function selectFor(table: string, query: Query): Select {
  const conditions: string[] = [];
  const parameters: Parameter[] = [];
  const require = (condition: string, ...values: Parameter[]) => {
    conditions.push(condition);
    parameters.push(...values);
  };

  for (const [field, value] of Object.entries(query.where ?? {})) {
    if (value === null) require(`${fieldOf(field)} IS NULL`);
    else require(`${fieldOf(field)} = ?`, typeof value === 'boolean' ? Number(value) : value);
  }
  if (query.idAfter !== undefined) require('id > ?', query.idAfter);
  if (query.idBefore !== undefined) require('id < ?', query.idBefore);

  const direction = query.descending ? 'DESC' : 'ASC';
  const further = query.descending ? '<' : '>';
  const order = query.orderBy === undefined ? undefined : fieldOf(query.orderBy);
  if (query.after && order) require(`(${order}, id) ${further} (?, ?)`, query.after.value, query.after.id);
  else if (query.after) require(`id ${further} ?`, query.after.id);

  const where = conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : '';
  const orderBy = `${order ? `${order} ${direction}, ` : ''}id ${direction}`;
  return {
    sql: `SELECT id, body FROM ${table} ${where} ORDER BY ${orderBy} LIMIT ?`,
    parameters: [...parameters, query.limit],
  };
}
