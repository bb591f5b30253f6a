/**
 * Functions that only compute a value, in PostgreSQL, MySQL or SQLite. Any other one may do what it likes (`dblink_exec`,
 * `load_extension`, `lo_unlink`, a function of somebody's own), so it is not known to be harmless.
 */
const names = `
  abs age any all array_agg array_append array_cat array_length array_position array_remove array_replace array_to_json
  array_to_string ascii avg bin bit_count bool_and bool_or btrim cardinality cast ceil ceiling char char_length character_length chr
  clock_timestamp coalesce concat concat_ws convert count crypt curdate current_date current_time current_timestamp currval
  curtime date date_add date_format date_part date_sub date_trunc datediff datetime day dayofweek dayofyear decode dense_rank
  digest elt encode every exists extract field find_in_set first_value floor format from_unixtime gen_random_bytes gen_random_uuid
  gen_salt generate_series generate_subscripts glob greatest group_concat hex hour if ifnull iif in initcap instr interval isnull jsonb_agg
  json_agg json_array json_array_elements json_array_elements_text json_array_length json_arrayagg json_build_array
  json_build_object json_contains json_each json_each_text json_extract json_extract_path json_extract_path_text json_group_array
  json_group_object json_insert json_length json_merge_patch json_object json_object_agg json_object_keys json_objectagg json_patch
  json_quote json_remove json_replace json_set json_strip_nulls json_to_record json_to_recordset json_tree json_type
  json_typeof json_unquote json_valid jsonb_array_elements jsonb_array_elements_text jsonb_array_length jsonb_build_array
  jsonb_build_object jsonb_each jsonb_each_text jsonb_extract_path jsonb_extract_path_text jsonb_insert jsonb_object jsonb_object_agg
  jsonb_object_keys jsonb_path_exists jsonb_path_query jsonb_path_query_array jsonb_pretty jsonb_set jsonb_set_lax jsonb_strip_nulls
  jsonb_to_record jsonb_to_recordset jsonb_typeof julianday lag last_insert_id last_insert_rowid last_value lastval lcase lead least
  left length like likely ln locate log lower lpad ltrim make_date make_interval make_timestamp make_timestamptz max md5 microsecond mid min
  minute mod month monthname nextval not now nth_value ntile nullif num_nonnulls num_nulls octet_length ord pg_get_serial_sequence
  pg_typeof position pow power printf quarter quote quote_ident quote_literal quote_nullable rand random randomblob rank
  regexp_like regexp_match regexp_matches regexp_replace regexp_split_to_array regexp_split_to_table regexp_substr repeat replace
  reverse right round row_number row_to_json rpad rtrim second setweight sha1 sha2 sha224 sha256 sha384 sha512 sign
  some split_part sqrt statement_timestamp strftime string_agg string_to_array string_to_table strpos str_to_date substr substring
  substring_index sum sysdate time timediff timestamp timestampadd timestampdiff timezone to_char to_date to_json to_jsonb to_number
  to_timestamp to_tsquery to_tsvector transaction_timestamp translate trim trunc truncate typeof ucase unaccent unhex unixepoch
  unix_timestamp unlikely unnest upper utc_date utc_time utc_timestamp uuid uuid_generate_v1 uuid_generate_v1mc
  uuid_generate_v4 uuid_generate_v5 uuid_to_bin uuidv4 uuidv7 values week weekday width_bucket year yearweek zeroblob`;

const harmless: ReadonlySet<string> = new Set(names.trim().split(/\s+/));

/** Whether a function without a schema only computes a value, by its name in lower case. */
export function isHarmlessFunction(name: string): boolean {
  return harmless.has(name);
}
