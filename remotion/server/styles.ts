/** Styles: checked against assets/styles/schema.json, defaults filled, as in services/typography/styles.py. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020, type ErrorObject, type ValidateFunction } from "ajv/dist/2020.js";
import type { Style } from "../src/style.js";
import { InvalidInputError, type VigentError } from "./errors.js";
import { findFont } from "./fonts.js";
import { ASSETS } from "./paths.js";

let validator: ValidateFunction<Style> | undefined;

/** A style of assets/styles with defaults filled. */
export function loadStyle(kind: "subtitle" | "title" | "label", id: string): Style {
  const text = readFileSync(join(ASSETS, "styles", kind, `${id}.json`), "utf8");
  return parseStyle(text, `assets/styles/${kind}/${id}.json`);
}

/**
 * A style from JSON. Throws InvalidInputError for `field`, naming the key, when it is no style (STYLE_INVALID) or names
 * an unknown font (FONT_NOT_FOUND).
 */
export function parseStyle(text: string, field: string): Style {
  const style = parsed(text, field);
  const validate = compiled();
  if (!validate(style)) throw breach(validate.errors?.[0], field);
  try {
    findFont(style.font.id, style.font.weight);
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    throw new InvalidInputError(error.problem, error.remedy, { field: `${field}.font`, reason: error.reason });
  }
  return style;
}

function parsed(text: string, field: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new InvalidInputError("The style is no JSON.", "Correct it.", { field, reason: "STYLE_INVALID" });
  }
}

function compiled(): ValidateFunction<Style> {
  if (!validator) {
    const schema = JSON.parse(readFileSync(join(ASSETS, "styles", "schema.json"), "utf8")) as object;
    validator = new Ajv2020({ useDefaults: true, strict: false }).compile<Style>(schema);
  }
  return validator;
}

function breach(error: ErrorObject | undefined, field: string): VigentError {
  const path = (error?.instancePath ?? "").split("/").slice(1);
  const extra = error?.params.additionalProperty as string | undefined;
  const problem = `${error?.message ?? "it breaks the schema"}${extra === undefined ? "" : `: '${extra}'`}`.slice(
    0,
    200,
  );
  return new InvalidInputError(`${problem}.`, "See assets/styles/schema.json for what a style may say.", {
    field: [field, ...path].join("."),
    reason: "STYLE_INVALID",
  });
}
