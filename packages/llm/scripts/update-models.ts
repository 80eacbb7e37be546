/**
 * Writes the tables of prices and abilities from the two pinned devDependencies that know them. Run it after updating
 * either package: `npm run models -w @wiseflow/llm`.
 */
import { writeFileSync } from "node:fs"
import { renderAbilityTable } from "./models/AbilityTable.ts"
import { renderPriceTable } from "./models/PriceTable.ts"

const date = new Date().toISOString().slice(0, 10)
writeFileSync(new URL("../src/prices/priceTable.ts", import.meta.url), await renderPriceTable(date))
writeFileSync(new URL("../src/protocols/encoding/abilities/abilityTable.ts", import.meta.url), renderAbilityTable())
