/**
 * Names that analytics and advertising vendors document for what they set on other people's sites. Only names with a
 * vendor's own prefix are listed: general lists call login cookies of Google (`SID`) or X (`auth_token`) "marketing".
 * The vendor is the rule that the report names. Facts from the vendors' own cookie documentation.
 */
const vendors: readonly (readonly [vendor: string, ...names: string[]])[] = [
  [
    'Google Analytics',
    '_ga',
    '_ga_*',
    '_gid',
    '_gat',
    '_gat_*',
    '_dc_gtm_*',
    '__utma',
    '__utmb',
    '__utmc',
    '__utmt',
    '__utmz',
    '__utmv',
    '_gaexp',
    '_gaexp_rc',
    '_opt_*',
  ],
  [
    'Google Ads',
    '_gcl_*',
    '_gac_*',
    '__gads',
    '__gpi',
    '__gpi_optout',
    '__eoi',
    'FPAU',
    'FPGCLAW',
    'FPGCLDC',
    'FPID',
    'FPLC',
  ],
  ['Meta Pixel', '_fbp', '_fbc', 'lastExternalReferrer', 'lastExternalReferrerTime'],
  ['Microsoft Advertising', '_uetsid', '_uetvid', '_uetmsclkid', '_uetsid_exp', '_uetvid_exp'],
  ['Microsoft Clarity', '_clck', '_clsk', '_cltk'],
  ['Hotjar', '_hj*', 'hjActiveViewportIds', 'hjViewportId'],
  ['HubSpot', '__hstc', '__hssc', '__hssrc', 'hubspotutk'],
  ['Matomo', '_pk_id*', '_pk_ses*', '_pk_ref*', '_pk_cvar*', '_pk_hsr*'],
  ['TikTok Pixel', '_ttp', '_tt_enable_cookie', 'ttcsid', 'ttcsid_*'],
  ['Pinterest Tag', '_pin_unauth', '_pinterest_ct_ua', '_derived_epik'],
  ['Snap Pixel', '_scid', '_scid_r', '_sctr', '_schn*'],
  ['LinkedIn Insight', '_li_*', 'li_fat_id', 'li_giant', 'AnalyticsSyncHistory'],
  ['Reddit Pixel', '_rdt_uuid', '_rdt_cid', '_rdt_em'],
  ['X Pixel', '_twpid', '_twclid'],
  ['Amplitude', 'amp_*', 'AMP_*', 'amplitude_id*', 'amplitude_unsent_*'],
  ['Mixpanel', 'mp_*_mixpanel', '__mp_opt_in_out_*', '__mpq_*'],
  ['Segment', 'ajs_*'],
  ['Heap', '_hp2_*', '_hp5_*'],
  ['FullStory', 'fs_uid', 'fs_lua', '_fs_*'],
  ['PostHog', 'ph_*_posthog'],
  ['Yandex Metrica', '_ym_*'],
  ['Adobe Analytics', 's_ecid', 'AMCV_*', 'AMCVS_*', 's_vi', 's_fid', 's_cc', 's_sq', 's_ppv', 's_nr*'],
  ['Mouseflow', 'mf_user', 'mf_*-*'],
  ['Crazy Egg', '_ce.*', '_crazyegg*', 'cebs', 'cebsp_'],
  ['Lucky Orange', '_lo_*', '__lotl', '_lorid'],
  ['Optimizely', 'optimizelyEndUserId', 'optimizelySegments', 'optimizelyBuckets'],
  ['Visual Website Optimizer', '_vwo_*', '_vis_opt_*'],
  ['Klaviyo', '__kla_id', '__kla_viewed', '__kla_off'],
  ['Criteo', 'cto_*'],
  ['Taboola', 't_gid', 't_pt_gid', '_tb_sess_r', '_tb_t_ppg', 'taboola*'],
  ['Outbrain', 'outbrain_cid_fetch'],
  ['Quantcast', '__qca', '_dlt'],
  ['AddThis', '__atuvc', '__atuvs', '__atssc'],
  ['Marketo', '_mkto_trk'],
  ['Pardot', 'visitor_id*', 'pi_opt_in*', 'lpv*'],
  ['Chartbeat', '_cb', '_cb_ls', '_cb_svref', '_chartbeat*', '_v__chartbeat3'],
  ['Parsely', '_parsely_*'],
  ['New Relic browser', 'NRBA_SESSION', 'NRBA_SESSION_ID'],
  ['Datadog RUM', '_dd_s', 'dd_cookie_test_*'],
  ['Simpli.fi', '_sp_id.*', '_sp_ses.*'],
]

interface Pattern {
  readonly vendor: string
  readonly test: RegExp
}

const patterns: readonly Pattern[] = vendors.flatMap(([vendor, ...names]) =>
  names.map((name) => ({ vendor, test: toExpression(name) })),
)

/** The vendor whose tracker has this cookie name or storage key, or `undefined`. Case counts, as it does for cookies. */
export function trackerOf(name: string): string | undefined {
  return patterns.find(({ test }) => test.test(name))?.vendor
}

/** True when a pattern of the protect list names it; `*` matches any rest. */
export function isProtected(name: string, protect: readonly string[] = []): boolean {
  return protect.some((pattern) => toExpression(pattern).test(name))
}

function toExpression(pattern: string): RegExp {
  return new RegExp(`^${pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`, 's')
}
