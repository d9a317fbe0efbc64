// Verifies seals with the JDK alone: javax.xml.crypto.dsig for the signature, PKIX for the path.
// java VerifyReceipt.java ANCHOR.pem INSTANT FOLDER[:FILE]…   prints "FOLDER[:FILE] true" or "… false REASON" each;
// FILE is receipt.xml where it is not named. Secure validation is on, with room for the references of a bundle; the
// sealed files are reached through a dereferencer of its own, since it allows no other reference to a file.

import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.Key;
import java.security.Security;
import java.security.cert.CertPathValidator;
import java.security.cert.CertificateFactory;
import java.security.cert.PKIXParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.Set;
import javax.xml.crypto.AlgorithmMethod;
import javax.xml.crypto.KeySelector;
import javax.xml.crypto.KeySelectorResult;
import javax.xml.crypto.OctetStreamData;
import javax.xml.crypto.URIDereferencer;
import javax.xml.crypto.XMLCryptoContext;
import javax.xml.crypto.dsig.Reference;
import javax.xml.crypto.dsig.XMLSignature;
import javax.xml.crypto.dsig.XMLSignatureFactory;
import javax.xml.crypto.dsig.dom.DOMValidateContext;
import javax.xml.crypto.dsig.keyinfo.KeyInfo;
import javax.xml.crypto.dsig.keyinfo.X509Data;
import javax.xml.parsers.DocumentBuilderFactory;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

public class VerifyReceipt {
    static final String XADES = "http://uri.etsi.org/01903/v1.3.2#";

    public static void main(String[] arguments) throws Exception {
        String policy = Security.getProperty("jdk.xml.dsig.secureValidationPolicy");
        Security.setProperty(
            "jdk.xml.dsig.secureValidationPolicy", policy.replace("maxReferences 30", "maxReferences 10000"));
        X509Certificate anchor;
        try (InputStream input = Files.newInputStream(Path.of(arguments[0]))) {
            anchor = (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(input);
        }
        Date at = Date.from(Instant.parse(arguments[1]));
        for (int i = 2; i < arguments.length; i++) {
            System.out.println(arguments[i] + " " + verdict(arguments[i], anchor, at));
        }
    }

    static String verdict(String named, X509Certificate anchor, Date at) {
        int colon = named.indexOf(':');
        Path folder = Path.of(colon < 0 ? named : named.substring(0, colon));
        try {
            return verify(folder, colon < 0 ? "receipt.xml" : named.substring(colon + 1), anchor, at);
        } catch (Exception error) {
            return "false " + error;
        }
    }

    static String verify(Path folder, String file, X509Certificate anchor, Date at) throws Exception {
        DocumentBuilderFactory builders = DocumentBuilderFactory.newInstance();
        builders.setNamespaceAware(true);
        builders.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
        Document document = builders.newDocumentBuilder().parse(folder.resolve(file).toFile());
        NodeList properties = document.getElementsByTagNameNS(XADES, "SignedProperties");
        if (properties.getLength() != 1) {
            return "false SignedProperties: " + properties.getLength();
        }
        Chain chain = new Chain();
        DOMValidateContext context = new DOMValidateContext(
            chain, document.getElementsByTagNameNS(XMLSignature.XMLNS, "Signature").item(0));
        context.setProperty("org.jcp.xml.dsig.secureValidation", Boolean.TRUE);
        context.setIdAttributeNS((Element) properties.item(0), null, "Id");
        XMLSignatureFactory factory = XMLSignatureFactory.getInstance("DOM");
        URIDereferencer inside = factory.getURIDereferencer();
        context.setURIDereferencer((reference, crypto) -> reference.getURI().startsWith("#")
            ? inside.dereference(reference, crypto)
            : new OctetStreamData(bytes(folder, reference.getURI())));
        XMLSignature signature = factory.unmarshalXMLSignature(context);
        if (!signature.validate(context)) {
            StringBuilder why = new StringBuilder("false value " + signature.getSignatureValue().validate(context));
            for (Object each : signature.getSignedInfo().getReferences()) {
                Reference reference = (Reference) each;
                why.append(' ').append(reference.getURI()).append(' ').append(reference.validate(context));
            }
            return why.toString();
        }
        PKIXParameters parameters = new PKIXParameters(Set.of(new TrustAnchor(anchor, null)));
        parameters.setDate(at);
        parameters.setRevocationEnabled(false);
        CertPathValidator.getInstance("PKIX").validate(
            CertificateFactory.getInstance("X.509").generateCertPath(chain.certificates), parameters);
        return "true";
    }

    static InputStream bytes(Path folder, String name) {
        try {
            return new ByteArrayInputStream(Files.readAllBytes(folder.resolve(name)));
        } catch (java.io.IOException error) {
            throw new java.io.UncheckedIOException(error);
        }
    }

    static class Chain extends KeySelector {
        final List<X509Certificate> certificates = new ArrayList<>();

        @Override
        public KeySelectorResult select(
                KeyInfo keyInfo, Purpose purpose, AlgorithmMethod method, XMLCryptoContext context) {
            certificates.clear();
            for (Object part : keyInfo.getContent()) {
                for (Object each : ((X509Data) part).getContent()) {
                    certificates.add((X509Certificate) each);
                }
            }
            Key key = certificates.get(0).getPublicKey();
            return () -> key;
        }
    }
}
