import type { TrackerVendor } from './tracker-names.ts'

/** What advertising, affiliate and marketing scripts keep in the visited site's own storage. */
export const advertisingVendors: readonly TrackerVendor[] = [
  {
    vendor: 'Google Ads',
    source: 'business.safety.google/adscookies',
    names: ['_gcl_*', '__gads', '__gpi', '__eoi', 'FPAU', 'FPGCLAW', 'FPGCLDC', 'FPGCLGB'],
  },
  {
    vendor: 'Meta pixel',
    source: 'developers.facebook.com, "fbp and fbc parameters"',
    names: ['_fbp', '_fbc', 'lastExternalReferrer', 'lastExternalReferrerTime'],
  },
  {
    vendor: 'Microsoft Advertising',
    source: 'help.ads.microsoft.com, "Cookies set by UET"',
    names: ['_uetsid', '_uetvid', '_uetsid_exp', '_uetvid_exp', '_uetmsclkid', '_uetmsclkid_exp'],
  },
  {
    vendor: 'LinkedIn Insight',
    source: 'linkedin.com/legal/l/cookie-table',
    names: ['li_fat_id', 'li_giant', 'ln_or', 'li_adsId'],
  },
  {
    vendor: 'TikTok pixel',
    source: 'ads.tiktok.com/help, "Using cookies with TikTok pixel"',
    names: ['_ttp', '_tt_enable_cookie', 'ttcsid', 'ttcsid_*', '_tt_appInfo', '_tt_sessionId', 'tt_pixel_*'],
  },
  { vendor: 'X pixel', source: 'business.x.com/help, "Conversion tracking"', names: ['_twclid', '_twpid'] },
  {
    vendor: 'Pinterest tag',
    source: 'help.pinterest.com/business, "Pinterest tag parameters and cookies"',
    names: ['_pin_unauth', '_derived_epik', '_epik', '_pinterest_ct_*'],
  },
  {
    vendor: 'Snap pixel',
    source: 'businesshelp.snapchat.com, "Snap pixel cookies"',
    names: ['_scid', '_scid_r', '_ScCbts', '_schn', '_schn1', '_sctr'],
  },
  { vendor: 'Reddit pixel', source: 'business.reddithelp.com, "Reddit pixel"', names: ['_rdt_*'] },
  {
    vendor: 'HubSpot',
    source: 'knowledge.hubspot.com, "Cookies set in a visitor\'s browser by HubSpot"',
    names: ['__hstc', '__hssc', '__hssrc', 'hubspotutk'],
  },
  { vendor: 'Marketo', source: 'experienceleague.adobe.com, "Munchkin cookie"', names: ['_mkto_trk'] },
  {
    vendor: 'Pardot',
    source: 'help.salesforce.com, "Account Engagement cookies"',
    names: ['visitor_id#', 'visitor_id#-hash', 'pardot'],
  },
  {
    vendor: 'Eloqua',
    source: 'docs.oracle.com, "Eloqua tracking cookies"',
    names: ['ELOQUA', 'ELQSTATUS', 'ELQSITEVISITED'],
  },
  {
    vendor: 'Criteo',
    source: 'criteo.com/privacy, "First-party cookies"',
    names: ['cto_bundle', 'cto_bidid', 'cto_dna_bundle', 'cto_tld_test', 'cto_lwid', 'cto_idcpy'],
  },
  {
    vendor: 'Taboola',
    source: 'taboola.com/policies, "Cookies"',
    names: ['t_gid', 't_pt_gid', 'taboola global:*', 'trc_cookie_storage', 'taboola_*'],
  },
  {
    vendor: 'Outbrain',
    source: 'outbrain.com/privacy, "Cookies"',
    names: ['outbrain_cid_fetch', 'OB-USER-TOKEN', '_ob_*'],
  },
  { vendor: 'AdRoll', source: 'help.adroll.com, "Cookies"', names: ['__adroll*', '__ar_v4'] },
  { vendor: 'Quantcast', source: 'quantcast.com, "Quantcast measure cookie"', names: ['__qca'] },
  {
    vendor: 'Klaviyo',
    source: 'help.klaviyo.com, "Klaviyo cookies"',
    names: ['__kla_id', '__kla_viewed', 'klaviyoOnsite', 'klaviyoPagesVisitCount'],
  },
  { vendor: 'Attentive', source: 'attentive.com, "Cookie list"', names: ['__attentive_*', '_attn_'] },
  {
    vendor: 'Braze',
    source: 'braze.com/docs, "Web SDK cookies and storage"',
    names: ['ab.storage.*', 'ab._gd'],
  },
  {
    vendor: 'Lotame',
    source: 'lotame.com, "Panorama cookies"',
    names: ['_cc_id', '_cc_dc', '_cc_aud', '_cc_cc', '_cc_domain', 'panoramaId*'],
  },
  { vendor: 'ID5', source: 'wiki.id5.io, "Storage"', names: ['id5id', 'id5id.1st*', 'id5id_*', '_id5_*'] },
  {
    vendor: 'Prebid',
    source: 'docs.prebid.org, "User ID modules"',
    names: ['_sharedID*', '_sharedid*', '_pubcid*', 'pbjs_*', 'pbjs-*', '__uid2_advertising_token'],
  },
  {
    vendor: 'Permutive',
    source: 'support.permutive.com, "Cookies"',
    names: ['permutive-id', 'permutive-*'],
  },
  {
    vendor: 'Sailthru',
    source: 'getstarted.sailthru.com, "Cookies"',
    names: ['sailthru_hid', 'sailthru_visitor', 'sailthru_pageviews', 'sailthru_content', 'sailthru_bid'],
  },
  { vendor: 'Impact', source: 'impact.com, "Universal tracking tag cookies"', names: ['IR_gbd', 'IR_PI'] },
  {
    vendor: 'Awin',
    source: 'wiki.awin.com, "Cookies"',
    names: ['_aw_m_*', '_aw_j_*', '_aw_sn_*', '_aw_xid', 'AwinChannelCookie', 'AwinCookie'],
  },
  {
    vendor: 'AppsFlyer',
    source: 'support.appsflyer.com, "Web SDK cookies"',
    names: ['afUserId', 'AF_SYNC', 'AF_SESSION', 'af_id'],
  },
  {
    vendor: 'Branch',
    source: 'help.branch.io, "Web SDK storage"',
    names: ['branch_session_first', '_s_branch_*'],
  },
  {
    vendor: 'Sourcebuster',
    source: 'woocommerce.com/document/order-attribution-tracking',
    names: ['sbjs_*'],
  },
  {
    vendor: 'AddThis',
    source: 'oracle.com/legal, "AddThis cookies"',
    names: ['__atuvc', '__atuvs', '__atssc', '_at.cww', 'at-rand', 'at-lojson-cache-*'],
  },
  {
    vendor: 'ShareThis',
    source: 'sharethis.com/privacy, "Cookies"',
    names: ['__stid', '__stidv', '__unam', '_stid'],
  },
  {
    vendor: 'Drift',
    source: 'drift.com, "Cookies"',
    names: ['driftt_aid', 'drift_aid', 'drift_campaign_refresh', 'driftt_sid', 'drift_eid'],
  },
]
