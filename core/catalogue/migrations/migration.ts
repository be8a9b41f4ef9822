/** One step of the catalogue's schema. Numbered by tens; a published one never changes. */
export interface Migration {
  number: number;
  sql: string;
}
