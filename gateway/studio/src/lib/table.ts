// Tables as they are pasted from spreadsheets or read from CSV files (RFC 4180), and texts with variables.

export type Table = { columns: string[]; rows: Record<string, string>[] };

/** The table whose first line names its columns; cells are parted by tabs where there are any, else by ; or ,. */
export function tableOf(text: string): Table {
  const head = text.slice(0, text.indexOf("\n") < 0 ? undefined : text.indexOf("\n"));
  const mark = ["\t", ";", ","].find((each) => head.includes(each)) ?? ",";
  const [first = [], ...rest] = linesOf(text, mark);
  const columns = first.map((name) => name.trim());
  const rows = rest
    .filter((cells) => cells.some((cell) => cell.trim()))
    .map((cells) => Object.fromEntries(columns.map((name, place) => [name, cells[place]?.trim() ?? ""])));
  return { columns: columns.filter(Boolean), rows };
}

function linesOf(text: string, mark: string): string[][] {
  const lines: string[][] = [];
  let cells: string[] = [];
  let cell = "";
  let quoted = false;
  const endCell = () => {
    cells.push(cell);
    cell = "";
  };
  const endLine = () => {
    endCell();
    lines.push(cells);
    cells = [];
  };
  const characters = text.replace(/^\uFEFF/, "").replace(/\r\n?/g, "\n");
  for (let place = 0; place < characters.length; place += 1) {
    const character = characters[place] as string;
    if (quoted) {
      if (character !== '"') cell += character;
      else if (characters[place + 1] === '"') {
        cell += '"';
        place += 1;
      } else quoted = false;
    } else if (character === '"' && cell === "") quoted = true;
    else if (character === mark) endCell();
    else if (character === "\n") endLine();
    else cell += character;
  }
  if (cell || cells.length > 0) endLine();
  return lines;
}

const VARIABLE = /\{\{\s*([^{}]+?)\s*\}\}/g;

/** The names that stand in a text as {{name}}. */
export function variablesOf(text: string): string[] {
  return [...new Set([...text.matchAll(VARIABLE)].map((found) => found[1] as string))];
}

/** The text with each {{name}} replaced by the row's cell. */
export function filled(text: string, row: Record<string, string>): string {
  return text.replace(VARIABLE, (_, name: string) => row[name] ?? "");
}
