const codes = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/))

/** Officially assigned codes of ISO 3166-1 alpha-2. */
const countries = codes(
  `
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ
    CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO
    FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE
    JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO
    MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW
    PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM
    TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
  `
)

// Which fields of an address a country's post requires: google/libaddressinput, `countryinfo.txt`, Apache-2.0. Its patterns of postal
// codes are not taken over: they grow old (Korea and Ireland have other ones by now), and would refuse people who know their own.

export const postalCodeRequired = codes(
  `
    AS AT AU AX BE BL BR CA CH CN DE DK ES FI FK FM FR GB GF GG GL GP GR GS GU IM IN IO IT JE JP KR LI LU MF MH MP
    MQ MX MY NC NL NO NZ PF PL PM PN PR PT PW RE RU SE SG SH SJ SM TC TR TW US VI WF YT ZA
  `
)

/** A city that is the country, or places whose addresses name an area instead. */
export const cityOptional = codes(
  `
    AD AG GI HK KY MO NR SG SM VG
  `
)

/** Codes that people take for their country's. */
const mistaken: Readonly<Record<string, string>> = { UK: "GB", EL: "GR" }

export const isCountry = (code: string): boolean => countries.has(code)
/** The code that was meant, if it is known. */
export const meant = (code: string): string | undefined =>
  isCountry(code.toUpperCase()) ? code.toUpperCase() : Object.hasOwn(mistaken, code) ? mistaken[code] : undefined

export const requiresPostalCode = (country: string): boolean => postalCodeRequired.has(country)
export const requiresCity = (country: string): boolean => !cityOptional.has(country)
